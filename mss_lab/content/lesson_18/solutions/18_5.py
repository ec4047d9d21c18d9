answer = "refined-nmf"
