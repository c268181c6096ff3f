"""Every method of `configs/comparison/`, trained alike, as files, figures, claims and pictures.

tintype train configs/comparison/*.toml -o runs/comparison
python -m benchmarks.comparison export runs/comparison/* -o models
python -m benchmarks.comparison measure models/*.onnx --photographs eval.tar -o figures
python -m benchmarks.comparison page figures --runs runs/comparison --again figures-2 runs/comparison-2
python -m benchmarks.comparison pictures models/*.onnx -o pictures
"""
