package mapping

import "github.com/urbanhub/crmsync/sync"

// enumCodec translates one side's options by the table.
type enumCodec struct {
	toCanonical map[string]string
	toRaw       map[string]string
	unlisted    string // canonical value of what the table does not list
	form        Form
}

func newEnumCodec(f *Field, s sync.Side, form Form) codec {
	c := enumCodec{toCanonical: map[string]string{}, toRaw: map[string]string{}, form: form}
	for _, row := range rows(f.Options) {
		raw := row.Left
		if s == sync.Right {
			raw = row.Right
		}
		c.toCanonical[raw] = row.canonical
		if _, ok := c.toRaw[row.canonical]; !ok {
			c.toRaw[row.canonical] = raw
		}
	}
	fallback := f.Default.Left
	if s == sync.Right {
		fallback = f.Default.Right
	}
	c.unlisted = c.toCanonical[fallback]
	return c
}

func (c enumCodec) decode(raw sync.Value) (sync.Value, *fault) {
	if f := single(raw); f != nil {
		return sync.Value{}, f
	}
	if v, ok := c.toCanonical[raw.String()]; ok {
		return sync.Text(v), nil
	}
	if c.unlisted != "" {
		return sync.Text(c.unlisted), nil
	}
	return sync.Value{}, &fault{"enum.listed", "add the option to the table, or give the table a default"}
}

func (c enumCodec) encode(v sync.Value) (sync.Value, *fault) {
	raw, ok := c.toRaw[v.String()]
	if !ok {
		return sync.Value{}, &fault{"enum.listed", "add a row for this option to the table"}
	}
	return c.form.write(raw), nil
}

// A row is an option with the canonical value of what it belongs to.
type row struct {
	Option
	canonical string
}

// rows gives every option its canonical value: options that share a value on
// either side mean the same, and the first of them names it by its right one.
func rows(options []Option) []row {
	out := make([]row, len(options))
	for i, o := range options {
		out[i] = row{o, o.Right}
		for _, before := range out[:i] {
			if before.Left == o.Left || before.Right == o.Right {
				out[i].canonical = before.canonical
				break
			}
		}
	}
	return out
}

// checkOptions reports what is wrong with an enum's table.
func checkOptions(f *Field) (path, hint string) {
	if len(f.Options) == 0 {
		return ".options", "list the options of both sides"
	}
	left, right, pairs := map[string]string{}, map[string]string{}, map[Option]bool{}
	for _, r := range rows(f.Options) {
		if r.Left == "" || r.Right == "" {
			return ".options", "give every row a left and a right value; blanks correspond by themselves"
		}
		if pairs[r.Option] {
			return ".options", "a row is there twice; delete one"
		}
		pairs[r.Option] = true
		if differs(left, r.Left, r.canonical) || differs(right, r.Right, r.canonical) {
			return ".options", "a row joins two options that earlier rows keep apart; move it before them"
		}
	}
	if d := f.Default; d.Left != "" && left[d.Left] == "" || d.Right != "" && right[d.Right] == "" {
		return ".default", "take the default from the table"
	}
	return "", ""
}

// differs notes the canonical value of a raw one and reports whether it had
// another before.
func differs(m map[string]string, raw, canonical string) bool {
	was, ok := m[raw]
	m[raw] = canonical
	return ok && was != canonical
}
