"""Caffe's files, written here by Google's own library from the published numbers of the fields."""

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from tintype.networks.published.caffe import read

REPEATED, OPTIONAL = 3, 1
FLOAT, DOUBLE, INT64, INT32, MESSAGE, STRING = 2, 1, 3, 5, 11, 9


def messages():
    """NetParameter and what it holds, of caffe.proto, as far as weights go."""
    file = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe", syntax="proto2")
    for message, fields in {
        "BlobShape": [("dim", 1, REPEATED, INT64, True)],
        "BlobProto": [
            ("shape", 7, OPTIONAL, ".caffe.BlobShape", None),
            ("data", 5, REPEATED, FLOAT, True),
            ("double_data", 8, REPEATED, DOUBLE, True),
            *((name, i, OPTIONAL, INT32, None) for i, name in enumerate(("num", "channels", "height", "width"), 1)),
        ],
        "LayerParameter": [
            ("name", 1, OPTIONAL, STRING, None),
            ("type", 2, OPTIONAL, STRING, None),
            ("blobs", 7, REPEATED, ".caffe.BlobProto", None),
        ],
        "V1LayerParameter": [
            ("name", 4, OPTIONAL, STRING, None),
            ("blobs", 6, REPEATED, ".caffe.BlobProto", None),
        ],
        "NetParameter": [
            ("name", 1, OPTIONAL, STRING, None),
            ("layers", 2, REPEATED, ".caffe.V1LayerParameter", None),
            ("layer", 100, REPEATED, ".caffe.LayerParameter", None),
        ],
    }.items():
        made = file.message_type.add(name=message)
        for name, number, label, kind, packed in fields:
            field = made.field.add(name=name, number=number, label=label)
            if isinstance(kind, str):
                field.type, field.type_name = MESSAGE, kind
            else:
                field.type = kind
            if packed:
                field.options.packed = True
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe.NetParameter"))


def test_blobs_of_new_and_old_layers(tmp_path):
    net = messages()(name="colours")
    values = np.random.default_rng(0).normal(size=(2, 3, 3, 3)).astype(np.float32)
    layer = net.layer.add(name="conv1", type="Convolution")
    blob = layer.blobs.add(data=values.ravel().tolist())
    blob.shape.dim.extend(values.shape)
    layer.blobs.add(double_data=[0.5, 300.25]).shape.dim.append(2)
    net.layer.add(name="relu1", type="ReLU")
    net.layers.add(name="old").blobs.add(num=2, channels=3, height=1, width=1, data=range(6))
    path = tmp_path / "net.caffemodel"
    path.write_bytes(net.SerializeToString())
    found = read(path)
    assert list(found) == ["old/0", "conv1/0", "conv1/1"]
    assert np.array_equal(found["conv1/0"], values)
    assert found["conv1/1"].tolist() == [0.5, 300.25]
    assert np.array_equal(found["old/0"], np.arange(6).reshape(2, 3, 1, 1))
    blob.shape.dim[0] = 3
    path.write_bytes(net.SerializeToString())
    with pytest.raises(ValueError, match=r"a blob of 54 numbers says that its shape is \[3, 3, 3, 3\]"):
        read(path)
    path.write_bytes(net.SerializeToString()[:-4])
    with pytest.raises(ValueError, match="do not fit"):
        read(path)
