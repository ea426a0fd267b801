package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime/debug"
)

type versionCommand struct{}

// Run tells what the toolchain wrote into the binary.
func (*versionCommand) Run(t *terminal) error {
	build := map[string]string{"version": "(devel)"}
	if info, ok := debug.ReadBuildInfo(); ok {
		build["version"], build["go"] = cmp.Or(info.Main.Version, "(devel)"), info.GoVersion
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				build["revision"] = s.Value
			}
		}
	}
	return t.print(build, func(w io.Writer) {
		fmt.Fprintf(w, "crmsyncd %s\t%s\t%s\n", build["version"], build["go"], build["revision"])
	})
}
