package mapping

import (
	"maps"

	"github.com/urbanhub/crmsync/sync"
)

// A Spec describes how the records of one kind correspond on two sides. It is
// plain data: a Go program builds it from struct literals and the field
// constructors ([Text], [Phone], …), [Load] reads the same struct from YAML,
// and [Spec.Flow] turns it into what the engine runs.
type Spec struct {
	// Name identifies the flow in stores and audits.
	Name        string
	Left, Right End
	Fields      []Field
	// Identity names fields whose equal values prove that two records are the
	// same, the best evidence first. Each has one raw name on each side.
	Identity []string
	// FirstSync settles fields that differ when two existing records meet for
	// the first time; see [sync.Flow].
	FirstSync sync.Policy
}

// An End is one side of a [Spec].
type End struct {
	System sync.System
	Kind   sync.Kind
	// CreateKey is the unique raw field through which records are created
	// here, "" when none ever are.
	CreateKey string
	// Leave lists what must hold before a record leaves this side.
	Leave []When
	// Relate says with which records of this system a record that is created
	// here is associated.
	Relate []Relate
}

// A Relate leads to the counterpart, in a flow, of a record that is named by
// its id: a new deal to its contact, a note to the contact and the deal.
type Relate struct {
	// Flow is the flow whose link leads there. In an activity it may be "" for
	// a record of the activity's own system.
	Flow string
	// Kind and Field tell the record that is named: for an association of a
	// flow the raw field of the other side's record with the id, for an
	// activity the name in the fact's data. In an activity "" for both is the
	// fact's subject.
	Kind  sync.Kind
	Field string
	// Required has the creation wait until there is such a link.
	Required bool
}

// A When is a condition over a record, in the expr language:
//
//	record.hs_analytics_source in ["PAID_SEARCH", "REFERRALS"]
//	any(changed, # in ["phone", "email"])
//
// record holds the raw values as texts, "" for what is missing; changed lists
// the raw names that differ from the last agreed state. Names with dots are
// written record["attributes.city"].
type When struct {
	Expr string
	// Why is what the audit says when the condition does not hold; "" gives
	// the expression itself.
	Why string
}

// A Type names the meaning of a field, which decides how its raw values
// become one canonical value.
type Type string

// The types, with their canonical values.
const (
	TypeID       Type = "id"       // a text, kept to the letter
	TypeText     Type = "text"     // a trimmed text
	TypeEmail    Type = "email"    // an address in lower case
	TypePhone    Type = "phone"    // a valid number as E.164 text, such as +573000000000
	TypeName     Type = "name"     // a person's full name, blanks folded
	TypeEnum     Type = "enum"     // an option, by a table
	TypeNumber   Type = "number"   // a decimal number without superfluous zeros
	TypeBool     Type = "bool"     // a boolean
	TypeDate     Type = "date"     // a day as text YYYY-MM-DD, without a time zone
	TypeDateTime Type = "datetime" // a moment as text in UTC with milliseconds
	TypeMulti    Type = "multi"    // a sorted list of distinct options
	TypeTemplate Type = "template" // a trimmed text that one side's [Place] makes of several raw fields; one-way
)

// A Form is the raw form in which a side's values are written. Reading
// accepts every form of the type.
type Form string

// The forms.
const (
	FormText        Form = "text"          // a text; the default of all types but multi
	FormNumber      Form = "number"        // a JSON number
	FormBool        Form = "bool"          // a JSON boolean
	FormList        Form = "list"          // a JSON array of texts
	FormSemicolon   Form = "semicolon"     // a text "a;b"; the default of multi
	FormEpochMS     Form = "epoch-ms"      // milliseconds since 1970 as a JSON number
	FormEpochMSText Form = "epoch-ms-text" // the same as text
)

// A Place is where a field lives on one side.
type Place struct {
	// Names is the raw name, or for TypeName two: first and last name. A
	// Template reads any number.
	Names []string
	// Form is how values are written here; "" is the type's default.
	Form Form
	// Template makes the text of a TypeTemplate on the side that it leaves,
	// in the language of [Content.Text]; . holds the raw values of Names by
	// their names as texts.
	Template string
	// With holds, by raw name, texts that are written along with the value:
	// the pipeline to which the stages belong, say. Reading ignores them.
	With map[string]string
}

// At returns the place of the given raw names, in the type's default form.
func At(names ...string) Place { return Place{Names: names} }

// As returns the place with a form.
func (p Place) As(form Form) Place {
	p.Form = form
	return p
}

// Along returns the place with a text that is written along with the value.
func (p Place) Along(name, text string) Place {
	p.With = maps.Clone(p.With)
	if p.With == nil {
		p.With = map[string]string{}
	}
	p.With[name] = text
	return p
}

// An Option is one row of an enum table. Several rows may share one side's
// value (seven stages here, six there): writing back keeps the present raw
// value while it still agrees and else takes the first such row.
type Option struct{ Left, Right string }

// A Field is one value that both sides keep.
type Field struct {
	// Name identifies the field in audits, errors and metrics.
	Name        string
	Type        Type
	Left, Right Place
	Direction   sync.Direction
	// Required refuses blanks: on every side that the value may leave, when it
	// is read, and everywhere when it would be written. Where a side of a
	// two-way field may lack the value, use a condition of [End] instead.
	Required bool
	// Rule is a tag of validator/v10, such as "max=150" or "oneof=a b", for
	// the canonical value: a text, a number, or each item of a list.
	Rule string
	// Clean lists what is done to raw texts on both sides before anything
	// else looks at them.
	Clean []Cleaner
	// Region is the ISO 3166 country of phone numbers written without a
	// country code, or "ZZ" to accept none.
	Region string
	// Options is the table of an enum.
	Options []Option
	// Default is the row value that stands for raw values missing from the
	// table, per side; "" refuses them.
	Default   Option
	Policy    sync.Policy
	Group     string
	KeepBlank bool
}

// place returns the field's place on a side.
func (f *Field) place(s sync.Side) *Place {
	if s == sync.Left {
		return &f.Left
	}
	return &f.Right
}

// end returns the spec's end on a side.
func (s *Spec) end(side sync.Side) *End {
	if side == sync.Left {
		return &s.Left
	}
	return &s.Right
}
