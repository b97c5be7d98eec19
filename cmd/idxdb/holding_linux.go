package main

import (
	"os/exec"
	"syscall"
)

// endWithUs sees to it that cmd is sent SIGTERM when this process dies.
func endWithUs(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
