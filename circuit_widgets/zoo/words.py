"""The vocabulary of the toy model: 253 common English words and three special tokens.

The order is part of the shipped weights: row `i` of the embedding belongs to `VOCABULARY[i]`.
Change it and every checkpoint has to be trained again.
"""

from __future__ import annotations

BOS = "<bos>"
UNK = "<unk>"
PAD = "<pad>"
SPECIAL = (BOS, UNK, PAD)

_GROUPS = """
red blue green yellow black white brown pink grey purple orange gold silver
dog cat horse cow pig sheep goat duck goose hen fox wolf bear lion tiger mouse rabbit deer frog
fish whale shark snake bird owl eagle crow bee ant spider fly worm monkey elephant camel
zero one two three four five six seven eight nine ten eleven twelve twenty hundred thousand
run walk jump swim sing dance read write draw paint cook eat drink sleep wake think speak listen
look see hear feel touch give take make break build open close push pull throw catch climb fall
apple pear plum lemon cherry grape peach bread butter cheese milk water tea coffee sugar salt rice
soup cake egg meat bean corn honey
sun moon star sky cloud rain snow wind storm fire ice sea river lake hill mountain valley forest
tree leaf flower grass stone sand road bridge island
house door window wall roof floor table chair bed lamp clock mirror book pen paper letter map key
box bag cup plate knife spoon bottle basket rope wheel car train boat plane bike
hand foot head eye ear nose mouth hair heart bone
mother father sister brother child friend king queen doctor teacher farmer baker
hat coat shirt shoe glove ring
day night morning evening spring summer autumn winter
big small tall short long wide fast slow hot cold warm old new young soft hard loud quiet happy sad
the a and of in on under over with is to at but
"""

WORDS: tuple[str, ...] = tuple(_GROUPS.split())
VOCABULARY: tuple[str, ...] = SPECIAL + WORDS
