from owlkit import L, Net, NetSpec

n = NetSpec()
n.x, n.unused = L.DummyData(shape=dict(dim=[2]), ntop=2)
n.y = L.Power(n.x)
n.quiet = L.Silence(n.unused, ntop=0)

print(list(Net(n).forward()))  # without it, `unused` would be an output too
