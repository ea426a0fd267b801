package mapping

import (
	"slices"

	"github.com/urbanhub/crmsync/sync"
)

// ID returns a two-way field of type id.
func ID(name, left, right string) Field { return field(TypeID, name, At(left), At(right)) }

// Text returns a two-way field of type text.
func Text(name, left, right string) Field { return field(TypeText, name, At(left), At(right)) }

// Email returns a two-way field of type email.
func Email(name, left, right string) Field { return field(TypeEmail, name, At(left), At(right)) }

// Phone returns a two-way field of type phone. Region is the country of
// numbers written without a country code, such as "CO".
func Phone(name, left, right, region string) Field {
	f := field(TypePhone, name, At(left), At(right))
	f.Region = region
	return f
}

// Name returns a two-way field of type name. A place has one raw name for the
// full name, or two for the first and the last name.
func Name(name string, left, right Place) Field { return field(TypeName, name, left, right) }

// Enum returns a two-way field of type enum with its table.
func Enum(name, left, right string, options ...Option) Field {
	f := field(TypeEnum, name, At(left), At(right))
	f.Options = slices.Clone(options)
	return f
}

// Number returns a two-way field of type number.
func Number(name string, left, right Place) Field { return field(TypeNumber, name, left, right) }

// Bool returns a two-way field of type bool.
func Bool(name string, left, right Place) Field { return field(TypeBool, name, left, right) }

// Date returns a two-way field of type date.
func Date(name string, left, right Place) Field { return field(TypeDate, name, left, right) }

// DateTime returns a two-way field of type datetime.
func DateTime(name string, left, right Place) Field { return field(TypeDateTime, name, left, right) }

// Multi returns a two-way field of type multi.
func Multi(name string, left, right Place) Field { return field(TypeMulti, name, left, right) }

// Template returns a field of type template. It goes to the right; the left
// place is made of the raw names.
func Template(name, template string, from []string, right string) Field {
	f := field(TypeTemplate, name, Place{Names: slices.Clone(from), Template: template}, At(right))
	return f.To(sync.Right)
}

func field(t Type, name string, left, right Place) Field {
	return Field{Name: name, Type: t, Left: left, Right: right}
}

// To returns the field travelling only to the side.
func (f Field) To(s sync.Side) Field {
	f.Direction = sync.ToRight
	if s == sync.Left {
		f.Direction = sync.ToLeft
	}
	return f
}

// WithRequired returns the field refusing to write blanks.
func (f Field) WithRequired() Field {
	f.Required = true
	return f
}

// WithRule returns the field with a validator tag.
func (f Field) WithRule(tag string) Field {
	f.Rule = tag
	return f
}

// WithClean returns the field with its cleaners, in their order.
func (f Field) WithClean(cleaners ...Cleaner) Field {
	f.Clean = cleaners
	return f
}

// WithForm returns the field written in a form on one side.
func (f Field) WithForm(s sync.Side, form Form) Field {
	f.place(s).Form = form
	return f
}

// WithDefault returns the enum with the row values that stand for raw values
// missing from the table.
func (f Field) WithDefault(left, right string) Field {
	f.Default = Option{left, right}
	return f
}

// WithPolicy returns the field with a conflict policy and its owner.
func (f Field) WithPolicy(kind sync.PolicyKind, owner sync.Side, order ...string) Field {
	f.Policy = sync.Policy{Kind: kind, Owner: owner, Order: order}
	return f
}

// WithGroup returns the field as a member of a group, compared and written as
// one.
func (f Field) WithGroup(group string) Field {
	f.Group = group
	return f
}

// WithKeepBlank returns the field in which a blank never overwrites a value.
func (f Field) WithKeepBlank() Field {
	f.KeepBlank = true
	return f
}
