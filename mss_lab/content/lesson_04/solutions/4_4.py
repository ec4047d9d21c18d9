strings = 457
winds = 554
ensemble_strings = 0.5249
ensemble_winds = 0.5084
baseline_strings = 0.535
baseline_winds = 0.4965

ensemble = (strings * ensemble_strings + winds * ensemble_winds) / (strings + winds)
baseline = (strings * baseline_strings + winds * baseline_winds) / (strings + winds)
answer = ensemble - baseline
