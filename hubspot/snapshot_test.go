package hubspot

import (
	"fmt"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

func told(id, color string) object {
	return object{ID: id, Properties: map[string]sync.Value{"color": sync.Text(color), "unasked": sync.Text("x")}}
}

// The orders in which the answers to reads and writes may come.
func TestSnapshotsNeverGoBack(t *testing.T) {
	at := func(n int64) time.Time { return time.Unix(n, 0) }
	names := []string{"color", "size"}
	read := func(s *snapshots, color string, sent int64) {
		o := told("1", color)
		o.Properties["size"] = sync.Text("L")
		s.read(o.record(names), at(sent))
	}
	write := func(s *snapshots, color string, now int64) {
		o := told("1", color)
		s.written(&o, names, at(now))
	}
	for name, tt := range map[string]struct {
		play  func(*snapshots)
		color string // "" for nothing known
	}{
		"read":                            {func(s *snapshots) { read(s, "red", 1) }, "red"},
		"read, then write":                {func(s *snapshots) { read(s, "red", 1); write(s, "blue", 2) }, "blue"},
		"write alone":                     {func(s *snapshots) { write(s, "blue", 2) }, ""},
		"read sent before a write":        {func(s *snapshots) { read(s, "red", 0); write(s, "blue", 2); read(s, "red", 1) }, "blue"},
		"read sent after a write":         {func(s *snapshots) { write(s, "blue", 2); read(s, "green", 3) }, "green"},
		"reads that overtake one another": {func(s *snapshots) { read(s, "green", 3); read(s, "red", 1) }, "green"},
		"read sent before a failed write": {func(s *snapshots) { s.forget("1", at(2)); read(s, "red", 1) }, ""},
		"read sent after a failed write":  {func(s *snapshots) { s.forget("1", at(2)); read(s, "red", 3) }, "red"},
		"failed write":                    {func(s *snapshots) { read(s, "red", 1); s.forget("1", at(2)) }, ""},
		"write after a failed write":      {func(s *snapshots) { read(s, "red", 1); s.forget("1", at(2)); write(s, "blue", 3) }, ""},
		"created":                         {func(s *snapshots) { o := told("1", "red"); o.New = true; s.written(&o, names, at(1)) }, "red"},
		"archived":                        {func(s *snapshots) { read(s, "red", 1); s.read(sync.Record{Ref: contactRef("1"), Deleted: true}, at(2)) }, ""},
	} {
		a := &Adapter{}
		tt.play(&a.seen)
		rec, ok := a.Snapshot(contactRef("1"), at(0))
		if ok != (tt.color != "") || rec.Fields["color"].String() != tt.color || !rec.Fields["unasked"].Null() {
			t.Errorf("%s: got %v %v", name, ok, rec)
		}
		if size := rec.Fields["size"].String(); ok && name == "read, then write" && size != "L" {
			t.Errorf("%s: a value that was not written is gone", name)
		}
	}
}

func TestSnapshotsAreAsOldAsTheirRead(t *testing.T) {
	a := &Adapter{}
	o := told("1", "red")
	a.seen.read(o.record([]string{"color"}), time.Unix(10, 0))
	a.seen.written(&o, []string{"color"}, time.Unix(20, 0))
	if _, ok := a.Snapshot(contactRef("1"), time.Unix(11, 0)); ok {
		t.Error("a write made the unwritten fields younger")
	}
	if _, ok := a.Snapshot(contactRef("1"), time.Unix(10, 0)); !ok {
		t.Error("nothing known")
	}
}

func TestSnapshotsAreBounded(t *testing.T) {
	a := &Adapter{}
	for n := range 5 * snapshotLimit {
		o := told(fmt.Sprint(n), "red")
		a.seen.read(o.record([]string{"color"}), time.Unix(1, 0))
	}
	if n := len(a.seen.young) + len(a.seen.old); n > 2*snapshotLimit {
		t.Errorf("%d held", n)
	}
	if _, ok := a.Snapshot(contactRef(fmt.Sprint(5*snapshotLimit-1)), time.Time{}); !ok {
		t.Error("the latest is gone")
	}
}
