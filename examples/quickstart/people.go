package main

import (
	"fmt"
	"math/rand/v2"
)

// A person is invented. Numbers are from a range that nobody has.
type person struct {
	name, email, phone, interest string
}

var (
	firstNames = []string{"Ana", "Luis", "Marta", "Jorge", "Elena", "Pablo", "Irene", "Hugo", "Clara", "Diego", "Sofía", "Mateo"}
	lastNames  = []string{"Álvarez", "Bravo", "Castro", "Duque", "Espinosa", "Franco", "Gil", "Herrera", "Ibarra", "Jaramillo"}
	interests  = []string{"studio", "one-bedroom", "two-bedroom", "penthouse", "house with a garden"}
)

// people invents n persons; the same seed gives the same ones.
func people(n int, seed uint64) []person {
	rng := rand.New(rand.NewPCG(seed, 1))
	out := make([]person, n)
	for i := range out {
		first, last := firstNames[rng.IntN(len(firstNames))], lastNames[rng.IntN(len(lastNames))]
		out[i] = person{
			name:     first + " " + last,
			email:    fmt.Sprintf("lead%d.%d@example.com", seed, i),
			phone:    fmt.Sprintf("+57300%07d", i),
			interest: interests[rng.IntN(len(interests))],
		}
	}
	return out
}

// fields returns the person as a contact of Bird.
func (p person) fields() map[string]any {
	return map[string]any{
		"name": p.name, "msisdn": p.phone, "email": p.email,
		"conversation_status": "active", "property_interest": p.interest,
	}
}
