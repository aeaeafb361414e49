"""Caffe's language."""
