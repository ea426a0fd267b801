package training_test

import (
	"errors"
	"fmt"

	"github.com/urbanhub/crmsync/mapping"
)

// Chapter 2: fields of one's own, proved before they are used.
func Example_mapping() {
	budget := mapping.Number("budget", mapping.At("attributes.budget").As(mapping.FormNumber), mapping.At("monthly_budget"))
	city := mapping.Text("city", "attributes.city", "city")
	inBird := mapping.Schema{"attributes.budget": {Type: mapping.TypeNumber, Form: mapping.FormNumber}, "attributes.city": {MaxLen: 40}}
	inHubSpot := mapping.Schema{"monthly_budget": {Type: mapping.TypeNumber}, "city": {MaxLen: 65536}}

	// The proof: whatever one side can hold must survive the other.
	prove := func(fields ...mapping.Field) error {
		spec := mapping.Spec{Name: "trial", Left: mapping.End{System: "bird", Kind: "contact"},
			Right: mapping.End{System: "hubspot", Kind: "contact"}, Fields: fields}
		return mapping.Check(must(spec.Flow()), inBird, inHubSpot)
	}
	if v, refused := errors.AsType[*mapping.Violation](prove(budget, city)); refused {
		fmt.Println("refused:", v.Field, "breaks the law", v.Law)
	}
	city = city.WithRule("max=40") // what is longer is refused, and told, instead of cut
	fmt.Println("refused:", prove(budget, city))

	// Both fields join the preset, and travel.
	l := openLab(func(set *mapping.Set) {
		people := &set.Flows[0]
		people.Fields = append(people.Fields, budget, city)
		people.Right.Leave = nil // the preset's condition lets only its own properties out of HubSpot
	}, nil)
	defer l.close()
	l.hubspot.DefineProperty("monthly_budget", "number", "number", false)
	l.hubspot.DefineProperty("city", "string", "text", false)

	ana := l.lead(map[string]any{"name": "Ana Gil", "email": "ana@example.com", "budget": 2500000.0, "city": " Bogotá "})
	l.look(ana)
	copied := l.partner(ana)
	contact, _ := l.hubspot.Contact(copied.ID)
	fmt.Printf("in HubSpot: %q %q\n", contact["monthly_budget"], contact["city"])

	l.hubspot.Edit(copied.ID, map[string]string{"monthly_budget": "2800000.00"})
	l.look(copied)
	person, _ := l.bird.Contact(ana.ID)
	fmt.Printf("in Bird: %.0f\n", person.Field("budget"))
	// Output:
	// refused: city breaks the law fits
	// refused: <nil>
	// in HubSpot: "2500000" "Bogotá"
	// in Bird: 2800000
}
