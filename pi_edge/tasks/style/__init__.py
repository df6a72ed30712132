"""Photos in the style of a painting, of any size, in bounded memory.

A photo is read in strips, styled in tiles and written in strips; what the network's normalisation
must know of the whole is taken once from a reduced copy (URST, Chen et al., AAAI 2022), so that
tiles agree.
"""
