"""Words of code names: everyday things and looks. No places, people, ranks, arms, insults or flags."""

import random
import secrets

_LOOKS = """
agile airy amber ample apricot autumn azure balmy basalt beige birch blithe breezy bright brisk bronze calm
candid canvas carmine cedar cheery chestnut chilly cinnamon citrus clear cloudy cobalt cool copper coral
cosy cotton crimson crisp crystal curly damp dapper dewy dusty eager early earthy ebony elastic even fabled
fair feathery fern fine flaxen fleecy floral fluent foamy fond fresh frosty fuzzy gentle ginger glad glassy
glossy golden grainy granite hazel hearty honey humble hushed indigo inky ivory jade jolly juicy keen kind
lacy lavender leafy lemon level light lilac limber linen lively lofty lucid lunar maple marble mellow merry
mild milky mint misty modest mossy neat nimble noble nutty oaken oat ochre olive opal paper pastel peach
pearl pebbly pewter pine pink placid plaid plain plum polite purple quick quiet quilted rainy reed ripe rosy
round ruby rustic rusty saffron sage salty sandy satin scarlet sepia serene shady shiny silent silky silver
sleepy smooth snowy soft solar solid sparkly spicy spruce stately steady still striped sturdy sunny supple
swift tangy tawny teal tender thrifty tidy topaz tranquil tweed twilight umber vast velvet violet vivid
walnut warm waxen wheat whole wicker wide willow windy winter wise wooden woolly
"""

_THINGS = """
abacus acorn almond anchor anise apple apron aster attic badge bagel ball balloon bamboo banjo barley barn
basil basin basket beach bead bean bell bench berry bicycle blanket boat bonnet book bottle bowl box bramble
branch bread brick bridge brook broom brush bucket button cabin cactus cake candle canoe caramel card carpet
carrot castle cello chair chalk cherry chimney clarinet clay clock cloud clover coat cocoa comb compass
cookie cork cottage cricket crocus cup curtain cushion dahlia daisy desk dish dolphin door dove drum
duckling easel elm fabric fence fennel fiddle fig finch flask flute folder fork fountain fox garden garlic
ginkgo glacier globe glove gong goose grape guitar hammock harbour harp hat hedge heron hill honeycomb
island jacket jar jasmine jug kettle kite kiwi ladder ladle lagoon lake lamp lantern lark leaf ledger
lettuce lily lime locket loom lotus magnet mango marigold marmot meadow melon mill mirror mitten moon moth
mug mulberry napkin needle nest nettle nutmeg oar orchard orchid organ otter oven owl paddle pan papaya
parasol parcel parsley pencil peony pepper piano pier pigeon pillow pitcher plate plough pocket pond poplar
poppy pot prism puddle pumpkin quilt quince radish raft raisin ribbon ridge ring river robin rope rosemary
rowan rudder ruler saddle sail saucer scarf seal shelf shell shoe shore sieve skate sky sled slipper snail
sofa sparrow spindle spoon spring squirrel stable starling stone stool stream sundial swallow swan table
tapestry teapot thimble thistle thread thyme tile toast tomato train tray trumpet tulip turnip umbrella
valley vase viola wagon wave whistle window wren yarn
"""

LOOKS: tuple[str, ...] = tuple(_LOOKS.split())
THINGS: tuple[str, ...] = tuple(_THINGS.split())


def is_code_name(text: str) -> bool:
    """Whether `text` could be a code name of the desk: "Quiet heron 27"."""
    parts = text.casefold().split()
    return len(parts) == 3 and parts[0] in LOOKS and parts[1] in THINGS and parts[2].isdecimal()


def new_code_name(dice: random.Random | None = None) -> str:
    """Two neutral words and a number, one of some four million; whether it is free, the database says."""
    dice = dice or secrets.SystemRandom()
    return f"{dice.choice(LOOKS)} {dice.choice(THINGS)} {dice.randrange(10, 100)}".capitalize()
