"""How a net is drawn: its layers as cards, cards as stages that open and close, and where all of them lie."""
