package mapping_test

import (
	"fmt"

	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/sync"
)

// A map in Go: a phone on both sides, and a name that one side keeps in two
// parts.
func ExampleSpec_Flow() {
	spec := mapping.Spec{
		Name:  "contacts",
		Left:  mapping.End{System: "bird", Kind: "contact"},
		Right: mapping.End{System: "hubspot", Kind: "contact"},
		Fields: []mapping.Field{
			mapping.Phone("phone", "msisdn", "phone", "CO"),
			mapping.Name("name", mapping.At("name"), mapping.At("firstname", "lastname")),
		},
	}
	flow, err := spec.Flow()
	if err != nil {
		fmt.Println(err)
		return
	}
	phone, name := flow.Fields[0], flow.Fields[1]
	v, _ := phone.Right.Get(sync.Fields{"phone": sync.Text("300 000 0000")})
	fmt.Println(v)
	names, _ := name.Right.Put(sync.Text("Ana María Pérez"), nil)
	fmt.Println(names["firstname"], "|", names["lastname"])
	_, err = phone.Right.Get(sync.Fields{"phone": sync.Text("12345")})
	fmt.Println(err)
	// Output:
	// +573000000000
	// Ana | María Pérez
	// mapping field phone: invalid by rule phone.e164 (right phone holds text of 5 characters: write a valid number with its country code, such as +57 300 0000000)
}

// The same in YAML, with a slip.
func ExampleLoad() {
	_, err := mapping.Load("contacts.yaml", []byte(`name: contacts
left: {system: bird, kind: contact}
right: {system: hubspot, kind: contact}
fields:
  - name: phone
    type: phone
    region: Colombia
    left: msisdn
    right: phone
`))
	fmt.Println(err)
	// Output:
	// mapping field phone: fatal by rule phone.region: contacts.yaml:7:13: at fields[0].region
	//         region: Colombia
	//                 ^ (give the country of numbers without a country code, such as CO, or ZZ to refuse those numbers)
}

// Check finds what would go wrong before it does: HubSpot's text may be longer
// than an attribute in Bird.
func ExampleCheck() {
	spec := mapping.Spec{
		Name:   "contacts",
		Left:   mapping.End{System: "bird", Kind: "contact"},
		Right:  mapping.End{System: "hubspot", Kind: "contact"},
		Fields: []mapping.Field{mapping.Text("notes", "attributes.notes", "notes")},
	}
	flow, err := spec.Flow()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(mapping.Check(flow,
		mapping.Schema{"attributes.notes": {MaxLen: 500}},
		mapping.Schema{"notes": {MaxLen: 65536}},
	))
	// Output:
	// mapping: check contacts field notes: fatal by rule law.fits: right {notes: "aaaaaaaaaaaa"… (text of 501 characters)}: it would be written as left {attributes.notes: "aaaaaaaaaaaa"… (text of 501 characters)}: the property holds 500 characters, not 501 (set the form of the place, or a rule such as max=… that keeps the values within bounds)
}
