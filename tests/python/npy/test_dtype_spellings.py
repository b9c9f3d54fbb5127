"""Whatever spelling of a dtype NumPy reads, GDAL reads, and gets the same pixels."""

import ast
import os
import string
import warnings

import numpy as np
import pytest
from osgeo import gdal
from support import shown_dtype

SUPPORTED = {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
             "float16", "float32", "float64", "complex64", "complex128"}
SHAPE = (3, 4)
DATA = bytes(range(250)) * 4


def write(path, descr, shape=repr(SHAPE), order="False", version=1, text=None):
    """A .npy whose header says what is given here, word for word, and 1000 bytes after it."""
    if text is None:
        text = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"
    text = text.encode("latin1" if version < 3 else "utf8")
    length = len(text).to_bytes(2 if version == 1 else 4, "little")
    path.write_bytes(b"\x93NUMPY" + bytes([version, 0]) + length + text + DATA)
    return str(path)


def load(path):
    """What np.load makes of it, or None."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return np.load(path)
        except (ValueError, TypeError, SyntaxError, IndexError, OverflowError):
            return None


def leaves(array):
    """The numbers of each field of a record, and of each place of an array in it: the bands."""
    if array.ndim > len(SHAPE):
        places = array.reshape(SHAPE + (-1,))
        return [leaf for place in range(places.shape[-1]) for leaf in leaves(places[..., place])]
    if array.dtype.names is None:
        return [array]
    return [leaf for name in array.dtype.names for leaf in leaves(array[name])]


def assert_as_numpy(path, wanted):
    dataset = gdal.Open(path)
    bands = leaves(wanted)
    assert dataset.RasterCount == len(bands)
    for number, band in enumerate(bands, 1):
        got = dataset.GetRasterBand(number).ReadAsArray()
        assert got.dtype == shown_dtype(band.dtype) or got.dtype == np.uint8 or \
            not hasattr(gdal, "GDT_Int8")
        if band.dtype == np.bool_:
            continue  # the bytes are no bools
        np.testing.assert_array_equal(got.astype(band.dtype.newbyteorder("=")), band)


def spellings():
    """All that might name a dtype: letters, kinds with sizes, and the names NumPy itself has."""
    letters = string.ascii_letters + "?"
    words = set(letters) | {kind + str(size) for kind in letters for size in range(34)}
    words |= {kind + space for kind in "bifuc" for space in (" 4", "+4", "04", "-4", "4 ", "\t4")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        words |= set(dir(np)) | {name for name in np.sctypeDict if isinstance(name, str)}
    words |= {"int", "float", "complex", "bool", "long", "int0", "bool8", "float_", "singlecomplex"}
    return sorted(order + word for word in words for order in ("", "<", ">", "=", "|", "!"))


def is_supported(spelling):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dtype = np.dtype(spelling)
        except Exception:  # some names warn, some raise what NumPy pleases
            return None
    return dtype.name in SUPPORTED


def test_every_spelling_of_a_dtype(tmp_path):
    known = [spelling for spelling in spellings() if is_supported(spelling)]
    assert len(known) > 200 and {"float32", "H", "<f", "int", "?", "half"} <= set(known)
    for spelling in known:
        path = write(tmp_path / "a.npy", repr(spelling))
        try:
            assert_as_numpy(path, np.load(path))
        except (AssertionError, RuntimeError) as error:
            raise AssertionError(spelling) from error


def test_no_spelling_is_read_as_another_dtype(tmp_path):
    """What NumPy takes for text, times or objects is refused; what it does not know is, unless it
    is a name of another version of NumPy."""
    other = {"bool8", "float_", "complex_", "cfloat", "int0", "uint0", "singlecomplex", "n", "N"}
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        for spelling in spellings():
            if is_supported(spelling) or spelling.lstrip("<>=|") in other:
                continue
            path = write(tmp_path / "a.npy", repr(spelling))
            with pytest.raises(RuntimeError):
                print(spelling, gdal.Open(path).ReadAsArray())
    finally:
        gdal.PopErrorHandler()


@pytest.mark.parametrize("descr", [
    "'f4,i2'", "'<f4, >i2'", "'2f4,i2'", "'f4,(2,2)i2'", "'1f4'", "'()f4'", "'f4,'", "('<f4', ())",
    "('<f4', 1)", "'f' '4'", "r'<f4'", "U'<f4'", "'''<f4'''", "'\\x3cf4'", "'\\74f4'", "'\\\n<f4'",
    "'<f4' # four bytes\n", "(('<f4'))", "[('a','f')]", "[['a','<f4']]",
    "[('a','float32'),('b','int')]", "[('a','f4,i2')]", "[('a','3f4')]", "[('a',('f4',(2,)))]",
    "[('a','f4',2)]", "[('a','f4',())]", "[('a','f4',(1,))]", "[('a','f4',[2])]", "[('a','3f4',2)]",
    "[('','f4'),('b','half')]", "[('','V4'),('b','f4')]", "[('','V4',2),('b','uint16')]",
    "[('','V'),('b','f4')]", "[(('T','a'),'single')]", "[((1,'a'),'H')]",
    "[(('T','a'),'f4',(2,)), ('p',[('x','int16'),('y','>h')],(2,))]"])
def test_forms_of_descr(tmp_path, descr):
    path = write(tmp_path / "a.npy", descr)
    wanted = load(path)
    assert wanted is not None
    assert_as_numpy(path, wanted)


@pytest.mark.parametrize("shape", [
    "(3,4)", "( 3 , 4 )", "(3,4,)", "(0x3,4)", "(0o3,0b100)", "(3L,4L)", "(3 L,4)", "(+3,4)",
    "(3,#lines\n4)", "(3,\\\n4)", "(3,\r\n4)", "(3,\f4)", "((3),4)", "(3,4)#\n"])
def test_forms_of_shape(tmp_path, shape):
    path = write(tmp_path / "a.npy", "'<u2'", shape)
    assert load(path) is not None
    assert_as_numpy(path, load(path))


@pytest.mark.parametrize("shape, order", [
    ("(np.int64(3), np.int64(4))", "np.False_"), ("(numpy.intp(3), np.uint8( 4 ))", "False")])
def test_numpy_scalars_in_the_header(tmp_path, shape, order):
    """What repr gives since NumPy 2, and np.load itself refuses."""
    path = write(tmp_path / "a.npy", "np.str_('<u2')", shape, order)
    assert load(path) is None
    wanted = np.fromfile(path, "<u2", 12, offset=os.path.getsize(path) - len(DATA))
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), wanted.reshape(SHAPE))


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("text", [
    " \t{'descr':'<f4','fortran_order':False,'shape':(3,4)}\n\n  \n",
    "# made by hand\n{'descr':'f','fortran_order':True,'shape':(3,4)} # end",
    "({'shape':(3,4),'fortran_order':False,'descr':'<f4'})\r\n",
    "{'descr':'<f8','desc' 'r':'<f4','fortran_order':False,'shape':(2,),'shape':(3,4)}",
    "\\\n{'descr':[('h\\u00f6he','<f4')],'fortran_order':False,'shape':(3,4)}"])
def test_forms_of_the_header(tmp_path, text, version):
    path = write(tmp_path / "a.npy", "", version=version, text=text)
    assert load(path) is not None
    assert_as_numpy(path, load(path))


@pytest.mark.parametrize("descr", [
    "'<U5'", "'S3'", "'O'", "'M8[ns]'", "'V4'", "'longdouble'", "'g'", "'float32 '", "'nonsense'",
    "'3f4'", "('<f4',(2,))", "{'names':['a'],'formats':['f4']}", "None", "'f4;i2'", "'f4,,i2'"])
def test_a_message_never_asks_for_what_it_found(tmp_path, errors, descr):
    path = write(tmp_path / "a.npy", descr)
    assert gdal.Open(path) is None and len(errors) == 1
    found, wanted = errors[0].split(": found ")[1].split(", wanted ")
    assert found.split("' (")[0].strip("'") not in wanted.replace(",", "").split(), errors[0]


# --- .b2nd: the text is what str(numpy.dtype) gives, and python-blosc2 reads more than that.


def respell(path, text):
    """Puts another dtype text into the header of a .b2nd."""
    content = bytearray(open(path, "rb").read())
    at = content.index(b"\xdb", content.index(b"\xc6")) + 1
    old = int.from_bytes(content[at:at + 4], "big")
    content[at:at + 4 + old] = len(text.encode()).to_bytes(4, "big") + text.encode()
    longer = len(text.encode()) - old
    layer = content.index(b"\xc6") + 1
    for place, size in ((layer, 4), (11, 4), (16, 8)):  # the layer's, the header's, the frame's
        value = int.from_bytes(content[place:place + size], "big") + longer
        content[place:place + size] = value.to_bytes(size, "big")
    with open(path, "wb") as file:
        file.write(content)


@pytest.fixture
def b2nd(tmp_path):
    blosc2 = pytest.importorskip("blosc2")
    if gdal.GetDriverByName("B2ND") is None:
        pytest.skip("the plugin was built without c-blosc2")

    def save(text, array):
        path = str(tmp_path / "a.b2nd")
        blosc2.asarray(array, urlpath=path, mode="w")
        respell(path, text)
        return path

    return save


def test_every_spelling_of_a_dtype_in_b2nd(b2nd):
    import blosc2
    for number, spelling in enumerate(filter(is_supported, spellings())):
        array = np.arange(12).reshape(SHAPE).astype(np.dtype(spelling))
        path = b2nd(spelling, array)
        got = gdal.Open(path).ReadAsArray()
        np.testing.assert_array_equal(got, array.astype(got.dtype), spelling)
        if number % 10 == 0:
            np.testing.assert_array_equal(blosc2.open(path)[:], array)


@pytest.mark.parametrize("text", [
    "[('a', 'float32'), ('b', '>H')]", "f4,>u2", "2u1, half",
    "{'names': ['a', 'b'], 'formats': ['single', 'int'], 'offsets': [4, 8], 'itemsize': 24}",
    "{'names': ['a', 'b'], 'formats': ['f4', 'b1'], 'offsets': [0, 4], 'titles': ['A', None], "
    "'itemsize': 8, 'aligned': True}",
    "{'names': ['a', 'b'], 'formats': ['float32', 'H']}",
    "[('a', 'u1'), ('p', {'names': ['x', 'y'], 'formats': ['u1', '<f8'], 'offsets': [0, 8], "
    "'itemsize': 16, 'aligned': True})]"])
def test_records_in_b2nd(b2nd, text):
    try:
        dtype = np.dtype(text)
    except (TypeError, ValueError):
        dtype = np.dtype(ast.literal_eval(text))
    array = np.frombuffer(bytes(n % 2 for n in range(12 * dtype.itemsize)), dtype).reshape(SHAPE)
    path = b2nd(text, array.view(f"V{dtype.itemsize}"))
    assert_as_numpy(path, array)


@pytest.mark.parametrize("text, message", [
    ("", "dtype: found none, wanted a dtype of numbers"),
    ("<U5", "dtype: found '<U5' (text), wanted"),
    ("StringDType()", "dtype: found 'StringDType()' (text), wanted"),
    ("|S4", "dtype: found '|S4' (bytes), wanted"),
    ("('<f4', (2,))", "wanted elements that are no arrays themselves"),
    ("object", "dtype: found 'object' (Python objects), wanted")])
def test_other_dtypes_in_b2nd_are_refused_by_what_they_are(b2nd, errors, text, message):
    path = b2nd(text, np.zeros(SHAPE, "u1"))
    assert gdal.Open(path) is None
    assert len(errors) == 1 and message in errors[0], errors


def test_caterva_is_refused_by_what_it_is(b2nd, errors):
    """Its layer ends where b2nd's has the dtype."""
    path = b2nd("|u1", np.zeros(SHAPE, "u1"))
    content = bytearray(open(path, "rb").read())
    layer = content.index(b"\xc6")
    content[layer + 5] = 0x95
    # The layer's name has another length.
    content[content.index(b"\xa4b2nd"):content.index(b"\xa4b2nd") + 5] = b"\xa7caterva"
    name_size = int.from_bytes(content[89:91], "big") if content[88] == 0xcd else 0
    assert name_size
    content[89:91] = (name_size + 3).to_bytes(2, "big")
    offset = content.index(b"\xa7caterva") + 9
    value = int.from_bytes(content[offset:offset + 4], "big") + 3
    content[offset:offset + 4] = value.to_bytes(4, "big")
    for place, size in ((11, 4), (16, 8)):
        value = int.from_bytes(content[place:place + size], "big") + 3
        content[place:place + size] = value.to_bytes(size, "big")
    open(path, "wb").write(content)
    assert gdal.Open(path) is None
    assert len(errors) == 1
    assert "metalayer caterva: dtype: found none (Caterva wrote arrays so" in errors[0], errors
