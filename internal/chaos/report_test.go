//go:build unix

package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	stdsync "sync"
	"text/tabwriter"
)

// A report counts what happened.
type report struct {
	rounds, kills, restarts, edits, facts, messages, lost, doubled, forgotten, compared, equal int
	befell                                                                                     map[string]int
}

// all is the name of the report that adds the others up.
const all = "all"

// reports are one of each deployment, by its name, and the sum.
type reports struct {
	mu stdsync.Mutex
	of map[string]*report
}

func (rs *reports) add(name string, o report) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for _, n := range []string{name, all} {
		r := rs.of[n]
		if r == nil {
			r = &report{befell: map[string]int{}}
			rs.of[n] = r
		}
		r.rounds += o.rounds
		r.kills += o.kills
		r.restarts += o.restarts
		r.edits += o.edits
		r.facts += o.facts
		r.messages += o.messages
		r.lost += o.lost
		r.doubled += o.doubled
		r.forgotten += o.forgotten
		r.compared += o.compared
		r.equal += o.equal
		for what, n := range o.befell {
			r.befell[what] += n
		}
	}
}

// String is two tables: what became of the deployments, and what befell them.
// What the machine of Redis forgot after it had acknowledged it is not counted
// as lost, but under a name of its own.
func (rs *reports) String() string {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	names := slices.Sorted(maps.Keys(rs.of))
	names = append(slices.DeleteFunc(names, func(n string) bool { return n == all }), all)
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "rounds\tkills\trestarts\tedits\tfacts\tmessages\tlost\tdoubled\tforgotten\tagreement\tfields\t  deployment")
	for _, n := range names {
		r := rs.of[n]
		_, _ = fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.5f\t%d\t  %s\n", r.rounds, r.kills, r.restarts, r.edits, r.facts,
			r.messages, r.lost, r.doubled, r.forgotten, float64(r.equal)/float64(max(1, r.compared)), r.compared, n)
	}
	_, _ = fmt.Fprintln(w, "\ntimes\t  what befell them")
	for _, what := range slices.Sorted(maps.Keys(rs.of[all].befell)) {
		_, _ = fmt.Fprintf(w, "%d\t  %s\n", rs.of[all].befell[what], what)
	}
	_ = w.Flush() // to memory
	return b.String()
}
