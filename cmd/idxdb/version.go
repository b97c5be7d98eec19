package main

import (
	"fmt"
	"io"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/idxdb/idxdb/internal/stores"
	"github.com/spf13/cobra"
)

// versionInfo is what the program knows of itself, as JSON.
type versionInfo struct {
	Version  string         `json:"version"`
	Revision string         `json:"revision"` // of the source; "" if not known
	Go       string         `json:"go"`
	OS       string         `json:"os"`
	Arch     string         `json:"arch"`
	Formats  map[string]int `json:"formats"` // that upgrade leads to, by URL scheme
}

func programVersion(formats map[string]int) versionInfo {
	v := versionInfo{
		Version: "(devel)",
		Go:      runtime.Version(),
		OS:      runtime.GOOS,
		Arch:    runtime.GOARCH,
		Formats: formats,
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	modified := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			v.Revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "+modified"
		}
	}
	if v.Revision != "" {
		v.Revision += modified
	}
	return v
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the version of idxdb and of the formats it writes",
		Args:  between(0, 0),
		RunE: func(*cobra.Command, []string) error {
			return a.printVersion()
		},
	}
}

func (a *app) printVersion() error {
	v := programVersion(stores.Formats())
	return a.print(v, func(w io.Writer) { writeVersion(w, v) })
}

func writeVersion(w io.Writer, v versionInfo) {
	fmt.Fprintf(w, "idxdb %s", v.Version)
	if v.Revision != "" {
		fmt.Fprintf(w, " (%s)", v.Revision)
	}
	fmt.Fprintf(w, ", %s, %s/%s\n", v.Go, v.OS, v.Arch)
	for _, scheme := range slices.Sorted(maps.Keys(v.Formats)) {
		fmt.Fprintf(w, "writes %s: stores of format %d\n", scheme, v.Formats[scheme])
	}
}
