from owlkit import L, Net, NetSpec

n = NetSpec()
n.x = L.Input(shape=dict(dim=[1, 1, 2, 2]))
n.y = L.Deconvolution(  # enlarges by 2, bilinearly
    n.x,
    convolution_param=dict(
        num_output=1, kernel_size=4, stride=2, pad=1, bias_term=False, weight_filler=dict(type="bilinear")
    ),
)

print(Net(n).forward(x=[[[[0, 16], [32, 48]]]])["y"][0, 0])
