package mapping

import (
	"errors"
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/urbanhub/crmsync/sync"
)

// A fault is a broken rule, before it is known where.
type fault struct{ rule, hint string }

// A problem is something wrong with a spec, at a path such as
// "fields[2].rule".
type problem struct {
	path  string
	field string
	rule  string
	hint  string
	// line and column point inside the text at path, an expression; they
	// count from 1 and 0. Line 0 means the whole of it.
	line, column int
	// node is the YAML node at fault, if it is not the one at path.
	node *yaml.Node
}

// A Position is the cause inside the error of a spec that cannot be used:
// where in the spec and, when it was read from YAML, where in the file.
type Position struct {
	// Path is the part of the spec, such as "fields[2].rule".
	Path string
	// File, Line and Column are set when the spec was read from a file; lines
	// and columns count from 1.
	File         string
	Line, Column int
	// Excerpt shows the line with a caret under the column.
	Excerpt string
}

// Error implements error.
func (p *Position) Error() string {
	where := p.Path
	if where == "" {
		where = "the map as a whole"
	}
	if p.Line == 0 {
		return "at " + where
	}
	return fmt.Sprintf("%s:%d:%d: at %s\n%s", p.File, p.Line, p.Column, where, p.Excerpt)
}

// fail turns problems into one error; every one of them is an [*sync.Error]
// in the chain. locate completes the positions.
func fail(op string, problems []problem, locate func(*problem, *Position)) error {
	errs := make([]error, len(problems))
	for i := range problems {
		p := &problems[i]
		at := &Position{Path: p.path}
		if locate != nil {
			locate(p, at)
		}
		errs[i] = &sync.Error{Op: op, Action: sync.Fatal, Field: p.field, Rule: p.rule, Hint: p.hint, Err: at}
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}
