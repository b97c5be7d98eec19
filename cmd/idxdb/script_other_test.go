//go:build !unix

package main

import "github.com/rogpeppe/go-internal/testscript"

// There are no named pipes and no signals to send here; scripts ask [unix] first.

func cmdMkfifo(ts *testscript.TestScript, _ bool, _ []string)  { ts.Fatalf("not on this system") }
func cmdSignal(ts *testscript.TestScript, _ bool, _ []string)  { ts.Fatalf("not on this system") }
func cmdStuck(ts *testscript.TestScript, _ bool, _ []string)   { ts.Fatalf("not on this system") }
func cmdWatched(ts *testscript.TestScript, _ bool, _ []string) { ts.Fatalf("not on this system") }
