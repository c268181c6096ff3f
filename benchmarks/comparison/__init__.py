"""Every method of `configs/comparison/`, trained alike with several seeds, as files, figures, claims and pictures.

python -m benchmarks.comparison train --data data/comparison -o runs/comparison
python -m benchmarks.comparison export -o runs/comparison
python -m benchmarks.comparison measure --photographs eval.tar -o runs/comparison
python -m benchmarks.comparison page runs/comparison
python -m benchmarks.comparison all --data data/comparison --photographs eval.tar -o runs/comparison
python -m benchmarks.comparison pictures models/*.onnx -o pictures

`seeds` says what lies where in runs/comparison, and `methods` what is trained. All but `pictures` skip what is done.
"""
