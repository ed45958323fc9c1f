package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/wsleuth/wsleuth/capture/live"
)

// listInterfaces prints the interfaces with their state and addresses.
func listInterfaces(p *program, namespace string) error {
	all, err := live.Interfaces(namespace)
	if err != nil {
		return &exitError{code: exitWrong, err: err}
	}
	chosen, _ := live.DefaultInterface(namespace)
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "INTERFACE\tSTATE\tLINK\tADDRESSES")
	for _, i := range all {
		state := "down"
		if i.Up {
			state = "up"
		}
		link := "cannot be captured on"
		if i.Usable {
			link = i.LinkType.String()
		}
		name := printable(i.Name)
		if i.Name == chosen {
			name += " *"
		}
		if i.Description != "" {
			link += ", " + printable(i.Description)
		}
		addresses := ""
		for k, a := range i.Addresses {
			if k > 0 {
				addresses += " "
			}
			addresses += a.String()
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", name, state, link, addresses)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if chosen != "" {
		_, err = fmt.Fprintln(p.stdout, "* is where live captures unless -i names others: the default route's, if there is one; -i any takes all")
	}
	return err
}
