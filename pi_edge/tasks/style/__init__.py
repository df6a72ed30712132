"""Photos in the style of a painting, of any size, in bounded memory.

A photo is read in strips, styled in tiles and written in strips; what the network's normalisation
must know of the whole is taken once (URST, Chen et al., AAAI 2022), from windows all over it, so
that tiles agree.
"""
