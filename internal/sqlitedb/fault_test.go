package sqlitedb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/urbanhub/crmsync/sync"
)

// TestRefusedFiles opens what must not be opened, and checks that it was left
// as it is.
func TestRefusedFiles(t *testing.T) {
	for _, c := range []struct {
		name   string
		make   func(t *testing.T, path string)
		action sync.Action
		rule   string
	}{
		{"a text", func(t *testing.T, path string) { write(t, path, bytes.Repeat([]byte("no database "), 100)) }, sync.Fatal, "sqlite.foreign"},
		{"another program's database", func(t *testing.T, path string) { sql(t, path, "CREATE TABLE recipe (name TEXT)") }, sync.Fatal, "sqlite.foreign"},
		{"another program's mark", func(t *testing.T, path string) { sql(t, path, "PRAGMA application_id = 7") }, sync.Fatal, "sqlite.foreign"},
		{"a newer schema", func(t *testing.T, path string) {
			closeFile(t, openFile(t, path))
			sql(t, path, fmt.Sprintf("PRAGMA user_version = %d", version+1))
		}, sync.Fatal, "sqlite.version"},
		{"a folder", func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o755)) }, sync.Denied, "sqlite.permission"},
		{"a missing page", func(t *testing.T, path string) {
			closeFile(t, openFile(t, path))
			must(t, os.Truncate(path, 3*4096))
		}, sync.Fatal, "sqlite.corrupt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "crmsync.db")
			c.make(t, path)
			before, _ := os.ReadFile(path)
			_, err := Open(t.Context(), path, Options{Check: true})
			broken(t, err, c.action, c.rule)
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestNoFolder(t *testing.T) {
	_, err := Open(t.Context(), filepath.Join(t.TempDir(), "missing", "crmsync.db"), Options{})
	broken(t, err, sync.Denied, "sqlite.permission")
	_, err = Open(t.Context(), "", Options{})
	broken(t, err, sync.Fatal, "sqlite.path")
}

// TestSecondOpener has a second one in this process; sqlitestore has one in
// another.
func TestSecondOpener(t *testing.T) {
	db := openNew(t)
	_, err := Open(t.Context(), db.path, Options{})
	broken(t, err, sync.Fatal, "sqlite.locked")
	closeFile(t, db)
	closeFile(t, openFile(t, db.path))
}

// TestDiskFull bounds the file: for SQLite that is the same as a full disk.
func TestDiskFull(t *testing.T) {
	db := openNew(t)
	bound := func(tx *Tx) error { return tx.pragmas(t.Context(), "max_page_count = 64") }
	must(t, db.Update(t.Context(), "test", bound))
	big := strings.Repeat("x", 1<<20)
	err := db.Update(t.Context(), "test", func(tx *Tx) error { return insert(tx, big) })
	broken(t, err, sync.Retry, "sqlite.full")
	errs := together(t, db,
		func(tx *Tx) error { return insert(tx, "small") },
		func(tx *Tx) error { return insert(tx, big) },
		func(tx *Tx) error { return insert(tx, "small too") })
	broken(t, errs[1], sync.Retry, "sqlite.full")
	if errs[0] != nil || errs[2] != nil {
		t.Errorf("steps that fit failed: %v, %v", errs[0], errs[2])
	}
	if got := fmt.Sprint(names(t, db)); got != "[small small too]" {
		t.Errorf("stored %s", got)
	}
	must(t, db.Check(t.Context()))
}

// TestAnotherWriter has another program write to the file for longer than a step
// waits for it: the step is answered, and the next one is written.
func TestAnotherWriter(t *testing.T) {
	db := openNew(t)
	must(t, db.Update(t.Context(), "test", func(tx *Tx) error { return tx.pragmas(t.Context(), "busy_timeout = 1") }))
	other, err := connect(t.Context(), db.path)
	must(t, err)
	defer func() { must(t, other.close()) }()
	_, err = other.Exec(t.Context(), "BEGIN IMMEDIATE")
	must(t, err)
	broken(t, soon(t, db, "meanwhile"), sync.Retry, "sqlite.busy")
	_, err = other.Exec(t.Context(), "ROLLBACK")
	must(t, err)
	must(t, soon(t, db, "afterwards"))
	if got := fmt.Sprint(names(t, db)); got != "[afterwards]" {
		t.Errorf("stored %s", got)
	}
}

// TestATransactionThatStands is what a rollback that failed leaves behind.
func TestATransactionThatStands(t *testing.T) {
	db := openNew(t)
	for _, query := range []string{"BEGIN IMMEDIATE", "INSERT INTO cursor (name, value) VALUES ('half a step', '')"} {
		_, err := db.writer.Exec(t.Context(), query) // nobody else writes at present
		must(t, err)
	}
	must(t, soon(t, db, "afterwards"))
	if got := fmt.Sprint(names(t, db)); got != "[afterwards]" {
		t.Errorf("stored %s", got)
	}
}

// soon inserts a name by a caller without a deadline, which must not wait long.
func soon(t *testing.T, db *DB, name string) error {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		done <- db.Update(context.WithoutCancel(t.Context()), "test", func(tx *Tx) error { return insert(tx, name) })
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(time.Minute):
		t.Fatalf("%s: the step was not answered", name)
		return nil
	}
}

func TestCheckFindsDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "crmsync.db")
	db := openFile(t, path)
	must(t, db.Update(t.Context(), "test", func(tx *Tx) error {
		for i := range 2000 {
			if err := insert(tx, fmt.Sprint("name", i)); err != nil {
				return err
			}
		}
		return nil
	}))
	closeFile(t, db)
	data, err := os.ReadFile(path)
	must(t, err)
	at := bytes.LastIndex(data, []byte("name1500"))
	copy(data[at:], "name9999") // no longer in its place
	write(t, path, data)
	closeFile(t, openFile(t, path)) // only a check looks at every page
	_, err = Open(t.Context(), path, Options{Check: true})
	broken(t, err, sync.Fatal, "sqlite.corrupt")
	if strings.Contains(fmt.Sprint(err), "name") {
		t.Errorf("the error tells what the file holds: %v", err)
	}
}

// TestFaults gives every result code of SQLite that has a rule a hint.
func TestFaults(t *testing.T) {
	for _, code := range []int{sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CORRUPT} {
		f, ok := faults[code]
		if !ok || f.rule == "" || f.hint == "" {
			t.Errorf("code %d: %+v", code, f)
		}
	}
	var e *sync.Error
	if errors.As(fail("test", errors.New("of another kind")), &e) {
		t.Error("an error that is not SQLite's was taken for one")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func closeFile(t *testing.T, db *DB) {
	t.Helper()
	must(t, db.Close())
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	must(t, os.WriteFile(path, data, 0o644))
}

// sql runs a statement on any database.
func sql(t *testing.T, path, query string) {
	t.Helper()
	c, err := connect(t.Context(), path)
	must(t, err)
	_, err = c.Exec(t.Context(), query)
	must(t, err)
	must(t, c.close())
}
