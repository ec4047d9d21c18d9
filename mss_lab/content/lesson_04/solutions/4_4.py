ensemble = (457 * 0.5249 + 554 * 0.5084) / 1011
baseline = (457 * 0.5350 + 554 * 0.4965) / 1011
answer = ensemble - baseline
