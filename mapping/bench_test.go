package mapping_test

import (
	"testing"

	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/sync"
)

// BenchmarkGet reads the ten fields of a contact, a phone apart from the rest
// because parsing one costs more than all others together.
func BenchmarkGet(b *testing.B) {
	at := func(n string) mapping.Place { return mapping.At(n) }
	fields := []mapping.Field{
		mapping.ID("id", "id", "x"), mapping.ID("external_id", "external_id", "x"), mapping.Text("status", "status", "x"),
		mapping.Text("interest", "interest", "x"), mapping.Name("name", at("name"), at("x")), mapping.Text("city", "city", "x").WithRule("max=100"),
		mapping.Number("budget", at("budget"), at("x")), mapping.Bool("vip", at("vip"), at("x")),
		mapping.Enum("stage", "stage", "x", stages...), mapping.Date("birthday", at("birthday"), at("x")),
	}
	contact := sync.Fields{"id": sync.Text("12bd0e40"), "external_id": sync.Text("512"), "status": sync.Text("qualified"),
		"interest": sync.Text("two rooms in the north"), "name": sync.Text("Ana María Pérez"), "city": sync.Text("Bogotá"),
		"budget": sync.Text("2500000"), "vip": sync.Text("true"), "stage": sync.Text("tour_scheduled"), "birthday": sync.Text("1990-02-28")}
	var lenses []sync.Lens
	for _, f := range fields {
		lenses = append(lenses, lensOf(b, f))
	}
	run := func(name string, lenses []sync.Lens, contact sync.Fields) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, l := range lenses {
					if _, err := l.Get(contact); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
	run("contact", lenses, contact)
	for i, f := range fields {
		run("only "+f.Name, lenses[i:i+1], contact)
	}
	run("phone", []sync.Lens{lensOf(b, mapping.Phone("f", "raw", "other", "CO"))}, sync.Fields{"raw": sync.Text("+57 300 123 4567")})
	run("email", []sync.Lens{lensOf(b, mapping.Email("f", "raw", "other"))}, sync.Fields{"raw": sync.Text("ana.perez@example.com")})
}

func BenchmarkCheck(b *testing.B) {
	flow, err := specOf(mapping.Phone("f", "msisdn", "phone", "CO"), mapping.Enum("g", "stage", "stage", stages...)).Flow()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := mapping.Check(flow, leftSchema, rightSchema); err != nil {
			b.Fatal(err)
		}
	}
}
