package simtest

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Flags binds the configuration to command-line flags, with which a failure
// is replayed: -seed, -seeds, -faults and -keep. What -faults takes is "all",
// "none", kinds of faults, or single faults as a failure lists them, separated
// by commas.
func (c *Config) Flags(fs *flag.FlagSet) {
	fs.Uint64Var(&c.Seed, "seed", c.Seed, "the first seed to simulate")
	fs.IntVar(&c.Seeds, "seeds", c.Seeds, "how many seeds to simulate; 0 is one, or what the test asks for")
	fs.Func("faults", `"all", "none", kinds, or single faults, separated by commas`, c.parseFaults)
	fs.Func("keep", "the numbers of the actions that happen, separated by commas; all by default", c.parseKeep)
}

func (c *Config) parseFaults(s string) error {
	c.Faults, c.Only = nil, nil
	switch s {
	case "all":
		return nil
	case "none":
		c.Faults = []FaultKind{}
		return nil
	}
	for _, part := range strings.Split(s, ",") {
		if !strings.Contains(part, ":") {
			if !slices.Contains(slices.Concat(StepFaults, HookFaults), FaultKind(part)) {
				return fmt.Errorf("simtest: the fault %q is of no known kind", part)
			}
			c.Faults = append(c.Faults, FaultKind(part))
			continue
		}
		f, err := ParseFault(part)
		if err != nil {
			return err
		}
		c.Only = append(c.Only, f)
	}
	return nil
}

func (c *Config) parseKeep(s string) error {
	c.Keep = []int{}
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' }) {
		n, err := strconv.Atoi(part)
		if err != nil {
			return fmt.Errorf("simtest: the action %q is not a number", part)
		}
		c.Keep = append(c.Keep, n)
	}
	return nil
}

// flags shows how to run a seed of the configuration again.
func (c *Config) flags(seed uint64) string {
	faults := "all"
	if c.Only != nil {
		parts := make([]string, len(c.Only))
		for i, f := range c.Only {
			parts[i] = f.String()
		}
		if faults = strings.Join(parts, ","); faults == "" {
			faults = "none"
		}
	}
	out := fmt.Sprintf("-seed %d -faults %s", seed, faults)
	if c.Keep != nil {
		parts := make([]string, len(c.Keep))
		for i, n := range c.Keep {
			parts[i] = strconv.Itoa(n)
		}
		out += " -keep " + strings.Join(parts, ",")
	}
	return out
}
