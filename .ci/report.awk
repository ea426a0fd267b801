# Reads go test -v: a line for each package that passed, and of one that failed
# what its failed tests printed, and whatever no test ended (a race, a panic).
# Told at once, not at the end: a run may be ended before it.
/^=== (RUN|NAME|CONT) / { name = $3; next }
/^=== / || /^PASS$/ || /\[no test files\]$/ { next }
/^ *--- PASS: / { delete said[$3]; name = ""; next }
/^ *--- (FAIL|SKIP): / { printf "%s%s\n", said[$3], $0; delete said[$3]; name = ""; next }
/^(ok|FAIL)\t/ {
	if ($1 == "FAIL") for (n in said) printf "%s", said[n]
	print
	fflush()
	delete said
	name = ""
	next
}
{ said[name] = said[name] $0 "\n" }
