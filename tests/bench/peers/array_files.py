"""Files as the array libraries write them, from the .npy of an image, all of it in memory."""

import numpy as np

from peers.catalogue import tile_side

SHARD = 2048  # side: a few MB compressed, and few files


def chunk_shape(shape, side):
    return tuple(min(side, length) for length in shape[:2]) + tuple(shape[2:])


def shard_shape(shape):
    """Zarr wants shards of whole chunks."""
    chunk = chunk_shape(shape, tile_side(shape))
    return tuple(-(-min(SHARD, length) // step) * step
                 for length, step in zip(shape[:2], chunk)) + tuple(shape[2:])


def write_zarr(source, path, image, threads, options):
    import zarr
    from zarr.codecs import BloscCodec

    compressors = {
        "none": None,
        "lz4": BloscCodec(cname="lz4", clevel=5, shuffle="bitshuffle"),
        "zstd": BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle"),
    }[options["codec"]]
    zarr.config.set({"threading.max_workers": threads})
    shape = image["shape"]
    array = zarr.create_array(
        path, shape=shape, dtype=image["dtype"], chunks=chunk_shape(shape, tile_side(shape)),
        shards=shard_shape(shape), compressors=compressors, filters=None)
    array[:] = np.load(source)


def write_tensorstore(source, path, image, threads, options):
    import tensorstore

    shape = image["shape"]
    inner = chunk_shape(shape, tile_side(shape))
    codecs = [{"name": "bytes", "configuration": {"endian": "little"}}]
    if options["codec"] != "none":
        lz4 = options["codec"] == "lz4"
        codecs.append({"name": "blosc", "configuration": {
            "cname": options["codec"], "clevel": 5 if lz4 else 1, "shuffle": "bitshuffle",
            "typesize": np.dtype(image["dtype"]).itemsize, "blocksize": 0}})
    store = tensorstore.open(
        {"driver": "zarr3", "kvstore": {"driver": "file", "path": path}, "metadata": {
            "shape": list(shape), "data_type": np.dtype(image["dtype"]).name,
            "chunk_grid": {"name": "regular",
                           "configuration": {"chunk_shape": list(shard_shape(shape))}},
            "codecs": [{"name": "sharding_indexed", "configuration": {
                "chunk_shape": list(inner), "codecs": codecs}}]}},
        create=True, context=tensorstore.Context({
            "data_copy_concurrency": {"limit": threads}})).result()
    store.write(np.load(source)).result()


def write_hdf5(source, path, image, threads, options):
    import h5py
    import hdf5plugin

    pixels = np.load(source)
    with h5py.File(path, "w", libver="latest") as file:
        if options["codec"] == "none":
            file.create_dataset("image", data=pixels)
            return
        codec = hdf5plugin.Bitshuffle()  # LZ4; its ZSTD is half as fast to read as Blosc's
        if options["codec"] == "zstd":
            codec = hdf5plugin.Blosc(cname="zstd", clevel=1, shuffle=hdf5plugin.Blosc.BITSHUFFLE)
        shape = image["shape"]
        file.create_dataset("image", data=pixels, chunks=chunk_shape(shape, tile_side(shape)),
                            **codec)


def write_blosc2(source, path, image, threads, options):
    """The codec, filters and blocks of the B2ND driver's file of the same class."""
    import blosc2

    shape = image["shape"]
    bands = shape[2] if len(shape) == 3 else 1
    stride = bands * np.dtype(image["dtype"]).itemsize
    if options["codec"] == "lz4":
        parameters = {"codec": blosc2.Codec.LZ4, "clevel": 5,
                      "filters": [blosc2.Filter.BITSHUFFLE], "filters_meta": [0]}
    else:
        parameters = {"codec": blosc2.Codec.ZSTD, "clevel": 1,
                      "filters": [blosc2.Filter.SHUFFLE, blosc2.Filter.BYTEDELTA],
                      "filters_meta": [stride, stride]}
    empty = 6 - len(parameters["filters"])
    parameters["filters"] = [blosc2.Filter.NOFILTER] * empty + parameters["filters"]
    parameters["filters_meta"] = [0] * empty + parameters["filters_meta"]
    blosc2.asarray(np.load(source), urlpath=path, mode="w",
                   chunks=chunk_shape(shape, 1024 if bands <= 4 else 256),
                   blocks=chunk_shape(shape, 128 if bands == 1 else tile_side(shape)),
                   cparams={**parameters, "nthreads": threads})


def write_plain_tiff(source, path, image, threads, options):
    import tifffile

    tifffile.imwrite(path, np.load(source, mmap_mode="r"))
