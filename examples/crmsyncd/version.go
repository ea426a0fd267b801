package main

import (
	"fmt"
	"io"
	"runtime/debug"
)

type versionCommand struct{}

// Run tells what the toolchain wrote into the binary.
func (*versionCommand) Run(t *terminal) error {
	build := map[string]string{"version": release()}
	if info, ok := debug.ReadBuildInfo(); ok {
		build["go"] = info.GoVersion
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

// release is the version of the module that this was built from.
func release() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
