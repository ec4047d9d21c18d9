from mss_lab import catalogue

answer = {method.name for method in catalogue.fitting({"voice", "repeats"})}
