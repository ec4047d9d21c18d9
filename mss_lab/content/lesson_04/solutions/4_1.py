answer = {"A": "artefacts", "B": "level", "C": "interference", "D": "dull"}
