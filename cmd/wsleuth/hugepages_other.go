//go:build !linux

package main

func askForHugePages() {}
