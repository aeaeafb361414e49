"""Where pycaffe keeps its messages: `from caffe.proto import caffe_pb2`."""

from owlkit.caffe.proto import caffe_pb2 as caffe_pb2
