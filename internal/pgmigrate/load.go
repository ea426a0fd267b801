// Package pgmigrate brings the tables of a package to the version that it
// knows and tells whether it may work with those that are there.
//
// A package embeds numbered files, NNNN_name.up.sql and NNNN_name.down.sql,
// that name no schema. Each pair runs in a transaction of its own under an
// advisory lock, so that processes that start together migrate once. Its
// table <name>_migration keeps what was applied.
//
// During a rolling upgrade old and new versions work side by side. A migration
// that older ones can live with (a column with a default, a new table) says
// so in its first line:
//
//	-- compatible_from: 3
//
// Code that knows version 3 or newer goes on with such tables. Without the
// line only code that knows the migration does.
package pgmigrate

import (
	"cmp"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
)

// Migrations are those of one package.
type Migrations struct {
	name string
	list []migration // version i+1 at i
}

// A migration is one step and its way back.
type migration struct {
	version, compatible int
	name, up, down      string
}

var (
	fileName   = regexp.MustCompile(`^(\d{4})_([a-z0-9_]+)\.(up|down)\.sql$`)
	compatible = regexp.MustCompile(`^-- compatible_from: (\d+)\n`)
)

// Load reads the migrations of the package called name, such as "store", from
// the root of files. What it refuses is a mistake in the files.
func Load(name string, files fs.FS) (*Migrations, error) {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, err
	}
	byVersion := map[int]*migration{}
	for _, e := range entries {
		if err := read(files, e.Name(), byVersion); err != nil {
			return nil, fmt.Errorf("migration %s: %w", e.Name(), err)
		}
	}
	m := &Migrations{name: name}
	for _, step := range byVersion {
		m.list = append(m.list, *step)
	}
	slices.SortFunc(m.list, func(a, b migration) int { return cmp.Compare(a.version, b.version) })
	for i, step := range m.list {
		if step.version != i+1 || step.up == "" || step.down == "" {
			return nil, fmt.Errorf("migration %04d of %s lacks its up or down file, or one before it", step.version, name)
		}
	}
	if len(m.list) == 0 {
		return nil, fmt.Errorf("%s has no migrations", name)
	}
	return m, nil
}

// read adds one file to the migrations.
func read(files fs.FS, name string, to map[int]*migration) error {
	part := fileName.FindStringSubmatch(name)
	if part == nil {
		return fmt.Errorf("the name is not NNNN_name.up.sql or NNNN_name.down.sql")
	}
	sql, err := fs.ReadFile(files, name)
	if err != nil {
		return err
	}
	version, _ := strconv.Atoi(part[1]) // four digits
	step := to[version]
	if step == nil {
		step = &migration{version: version, compatible: version, name: part[2]}
		to[version] = step
	}
	if step.name != part[2] {
		return fmt.Errorf("another migration has its number")
	}
	if part[3] == "down" {
		step.down = string(sql)
		return nil
	}
	step.up = string(sql)
	if from := compatible.FindSubmatch(sql); from != nil {
		if step.compatible, err = strconv.Atoi(string(from[1])); err != nil || step.compatible < 1 || step.compatible > version {
			return fmt.Errorf("compatible_from is not a version from 1 to %d", version)
		}
	}
	return nil
}
