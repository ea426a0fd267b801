package sqlitedb

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/urbanhub/crmsync/sync"
)

// names lists the cursors, which serve the tests as a plain table.
func names(t *testing.T, db *DB) []string {
	t.Helper()
	var got []string
	err := db.View(t.Context(), "test", func(c *Conn) error {
		return c.Query(t.Context(), func(r Row) error {
			got = append(got, r.Text(0))
			return nil
		}, "SELECT name FROM cursor ORDER BY name")
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func insert(tx *Tx, name string) error {
	_, err := tx.Exec("INSERT INTO cursor (name, value) VALUES (?, '')", name)
	return err
}

// together has steps share a commit: the first waits until the others queue.
func together(t *testing.T, db *DB, steps ...func(*Tx) error) []error {
	t.Helper()
	errs, done := make([]error, len(steps)), make(chan int)
	started, others := make(chan struct{}), make(chan struct{})
	first := true
	run := func(i int, do func(*Tx) error) {
		errs[i] = db.Update(context.Background(), "test", do)
		done <- i
	}
	go run(0, func(tx *Tx) error {
		if first { // it may run again
			first = false
			close(started)
			<-others
		}
		return steps[0](tx)
	})
	<-started
	for i, do := range steps[1:] {
		go run(i+1, do)
		for len(db.steps) <= i {
			runtime.Gosched() // the step is on its way
		}
	}
	close(others)
	for range steps {
		<-done
	}
	return errs
}

func TestGroup(t *testing.T) {
	errRefused := errors.New("refused")
	add := func(name string) func(*Tx) error { return func(tx *Tx) error { return insert(tx, name) } }
	for _, c := range []struct {
		name  string
		steps []func(*Tx) error
		fails []int
		want  []string
	}{
		{"all succeed", []func(*Tx) error{add("a"), add("b"), add("c")}, nil, []string{"a", "b", "c"}},
		{"one sees the others", []func(*Tx) error{add("a"), add("a"), add("b")}, []int{1}, []string{"a", "b"}},
		{"a refusal before a write", []func(*Tx) error{add("a"), func(*Tx) error { return errRefused }, add("b")}, []int{1}, []string{"a", "b"}},
		{"a failure after a write", []func(*Tx) error{add("a"), func(tx *Tx) error { return errors.Join(insert(tx, "x"), errRefused) }, add("b")},
			[]int{1}, []string{"a", "b"}},
		{"the first fails", []func(*Tx) error{func(tx *Tx) error { return errors.Join(insert(tx, "x"), errRefused) }, add("b")}, []int{0}, []string{"b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := openNew(t)
			for i, err := range together(t, db, c.steps...) {
				if (err != nil) != slices.Contains(c.fails, i) {
					t.Errorf("step %d: error %v", i, err)
				}
			}
			if got := names(t, db); !slices.Equal(got, c.want) {
				t.Errorf("stored %v, want %v", got, c.want)
			}
		})
	}
}

// TestUndo keeps a sum in memory, as the queue does with what it remembers.
func TestUndo(t *testing.T) {
	db, sum := openNew(t), 0
	add := func(n int, err error) func(*Tx) error {
		return func(tx *Tx) error {
			was := sum
			tx.Undo(func() { sum = was })
			sum += n
			return errors.Join(insert(tx, fmt.Sprint(n)), err)
		}
	}
	together(t, db, add(1, nil), add(10, nil), add(100, errors.New("too late")), add(1000, nil))
	if sum != 1011 {
		t.Errorf("memory holds %d, want 1011", sum)
	}
}

func TestContext(t *testing.T) {
	db := openNew(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Update(ctx, "test", func(tx *Tx) error { return insert(tx, "late") }); !errors.Is(err, context.Canceled) {
		t.Errorf("Update after the end of its context: %v", err)
	}
	if err := db.View(ctx, "test", func(*Conn) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("View after the end of its context: %v", err)
	}
	gaveUp, cancel := context.WithCancel(t.Context())
	var err error
	together(t, db, func(tx *Tx) error {
		waits := make(chan error)
		go func() { waits <- db.Update(gaveUp, "test", func(tx *Tx) error { return insert(tx, "gave up") }) }()
		cancel()
		err = <-waits
		return insert(tx, "a")
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Update whose context ended while it waited: %v", err)
	}
	if got := names(t, db); !slices.Equal(got, []string{"a"}) {
		t.Errorf("stored %v, want what did not give up", got)
	}
}

func TestClose(t *testing.T) {
	db := openNew(t)
	if err := db.Update(t.Context(), "test", func(tx *Tx) error { return insert(tx, "a") }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	broken(t, db.Update(t.Context(), "test", func(tx *Tx) error { return insert(tx, "b") }), sync.Retry, "sqlite.closed")
	broken(t, db.View(t.Context(), "test", func(*Conn) error { return nil }), sync.Retry, "sqlite.closed")
	broken(t, db.Backup(t.Context(), db.path+".copy"), sync.Retry, "sqlite.closed")
	if got := names(t, openFile(t, db.path)); !slices.Equal(got, []string{"a"}) {
		t.Errorf("after opening it again there is %v", got)
	}
}
