# What `cargo test` prints, cut to a line per test binary; what failed is told whole at the end, where a reader
# (and a CI page that keeps only a part) finds it. `tests/run` keeps the whole in its log.

function seconds(line) { return match(line, /[0-9.]+s$/) ? substr(line, RSTART, RLENGTH) : "" }

# A binary that ended without its line of counts died: then its last words are what there is.
function died(    i) {
    if (binary == "" || counted) return
    told = told sprintf("\n== %s ended without a result; its last lines:\n", binary)
    for (i = heard > LAST ? heard - LAST : 0; i < heard; i++) told = told words[i % LAST] "\n"
    printf "%-34s no result\n", binary
    fflush()
}

BEGIN { LAST = 40; MOST = 80 }

/^ +Running / || /^ +Doc-tests / {
    died()
    binary = $1 == "Doc-tests" ? "doc tests" : ($2 == "unittests" ? $3 : $2)
    counted = 0; heard = 0; part = ""; shown = 0
    next
}

/^test result: / {
    printf "%-34s %5d passed %3d failed %3d ignored %9s\n", binary, $4, $6, $8, seconds($0)
    fflush()
    counted = 1; part = ""
    next
}

/^successes:$/ { part = "successes" }
# Twice in a binary that failed: before what each test printed, and before their names.
/^failures:$/ { part = part == "failures" ? "names" : "failures"; next }
part == "failures" && /^---- .* stdout ----$/ { told = told "\n== " binary ": " $2 "\n"; shown = 0; next }
# Of a backtrace the places of our own.
part == "failures" && (/^ +[0-9]+: / || (/^ +at / && !/ at \.\//)) { next }
part == "failures" && shown++ < MOST { told = told $0 "\n" }
part == "failures" && shown == MOST + 1 { told = told "(more in the log)\n" }

# The build's own: what it warns of and why it stops.
binary == "" && /^(warning|error)/ { open = 1 }
binary == "" && /^$/ { if (open) print ""; open = 0 }
binary == "" && open { print; fflush() }

{ words[heard++ % LAST] = $0 }

END { died(); printf "%s", told }
