"""Makes the seeds in corpus/npy, with NumPy: python3 tests/fuzz/make_npy_seeds.py"""

import pathlib
import warnings

import numpy as np
from numpy.lib import format as npy

folder = pathlib.Path(__file__).parent / "corpus" / "npy"


def save(name, array, version=None):
    with open(folder / f"{name}.npy", "wb") as file:
        npy.write_array(file, array, version=version)


folder.mkdir(parents=True, exist_ok=True)
warnings.simplefilter("ignore")  # versions 2 and 3 are announced
for dtype in ["|b1", "|i1", ">i2", "<u4", ">u8", "<f2", ">f4", "<f8", "<c8", ">c16"]:
    save(f"plain_{dtype[1:]}", np.arange(6).reshape(2, 3).astype(dtype))
save("version2", np.arange(12, dtype="<u2").reshape(3, 4), (2, 0))
save("version3", np.arange(12, dtype=">u2").reshape(3, 4), (3, 0))
save("fortran", np.asfortranarray(np.arange(24, dtype="<i4").reshape(2, 3, 4)))
save("one_axis", np.arange(9, dtype="|u1"))
save("many_axes", np.zeros((1,) * 20 + (2,), "<u2"))
save("scalar", np.array(7, "<u2"))
save("empty", np.zeros((3, 0), "<u2"))
save("wide", np.arange(3 * 9000, dtype="<u2").reshape(3, 9000)[:, ::18])
save("record", np.zeros(3, [("r", "|u1"), ("g", ">u2"), ("flag", "|b1")]))
save("record_padded", np.zeros(3, np.dtype([("a", "|u1"), ("b", "<f8")], align=True)))
save("record_nested", np.zeros((2, 2), [("p", [("x", "<f4"), ("y", "<f4")]), ("m", "|u1", (2, 3))]))
save("record_titles", np.zeros(2, [(("Red", "r"), "<u2"), (("Green", "g"), "<u2")]))
save("record_latin1", np.zeros(2, [("höhe", "<f4"), ("it's", "|u1")]))
save("record_unicode", np.zeros(2, [("高さ", "<f4"), ("\U0001f30d", "|u1")]))
save("datetime", np.zeros(2, "<M8[ns]"))
save("text", np.array(["ab", "c"]))
save("void", np.zeros(2, "|V3"))
save("long_double", np.zeros(2, np.longdouble))


def spell(name, descr, shape="(2, 3)", version=1):
    """A header in words of its own."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    length = len(text).to_bytes(2 if version == 1 else 4, "little")
    start = b"\x93NUMPY" + bytes([version, 0]) + length
    (folder / f"{name}.npy").write_bytes(start + text + bytes(200))


spell("name", "'float32'")
spell("letter", "'>H'")
spell("commas", "'f4, 2>u2,(2,1)B, half'")
spell("comments", "'''<u''' r'2' # two\n", "(0x2, # lines\n 1_0, + 3, 4L)")
spell("numpy_scalars", "np.str_('\\x75\\61')", "(np.int64(2), numpy.intp(3))")
spell("pairs", "[['a', ('h', (2,))], ('', 'f'), ('', 'V2', 2), ((1, 'b'), 'B,b', [2])]", version=3)
