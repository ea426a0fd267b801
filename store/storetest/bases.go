package storetest

import "github.com/urbanhub/crmsync/sync"

var bases = []scenario{
	{"bases: are zero at first", func(r *rig) {
		r.put(pair("a", "ana"))
		for _, id := range []string{"a", "nobody"} {
			if b := r.base(id); !b.Zero() {
				r.Errorf("the base of %q is %v, want the zero base", id, b)
			}
		}
	}},
	{"bases: are replaced as a whole", func(r *rig) {
		first, second := baseOf("one"), sync.Base{Left: sync.Shadow{Fields: sync.Fields{"phone": sync.Text("+573000000000")}}}
		l := r.commit(sync.Commit{Link: pair("a", "ana"), Base: &first})
		r.commit(sync.Commit{Link: l, Base: &second})
		r.same("the base", r.base("a"), second)
	}},
	{"bases: stay when a commit has none", func(r *rig) {
		base := baseOf("one")
		l := r.commit(sync.Commit{Link: pair("a", "ana"), Base: &base})
		l = r.put(l)
		l = r.begin(noon, l, intent("write"))
		r.same("the base", r.base("a"), base)
		r.put(l)
		r.same("the base", r.base("a"), base)
	}},
	{"bases: belong to one link", func(r *rig) {
		one, two := baseOf("one"), baseOf("two")
		r.commit(sync.Commit{Link: pair("a", "ana"), Base: &one})
		r.commit(sync.Commit{Link: pair("b", "bob"), Base: &two})
		r.same("the base of a", r.base("a"), one)
		r.same("the base of b", r.base("b"), two)
	}},
}
