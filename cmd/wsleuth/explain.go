package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/wsleuth/wsleuth/analyze/catalog"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/report"
)

// explainCommand prints the catalogue.
func explainCommand(p *program) *cobra.Command {
	var m manners
	c := &cobra.Command{
		Use:   "explain [CODE|SLUG]",
		Short: "Explain a finding: what it means, how it is known, how to fix it; without a code, list all",
		Args:  arguments(cobra.MaximumNArgs(1), "explain takes one code or slug"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, r := range catalog.All() {
				names = append(names, r.Code+"\t"+r.Slug)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			options, err := m.options(p, p.stdout)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return report.ExplainList(p.stdout, ruleRecords(), options)
			}
			return explain(p, args[0], options)
		},
	}
	m.flags(c)
	return c
}

func explain(p *program, name string, options report.Options) error {
	if rule := catalog.Find(strings.TrimSpace(name)); rule != nil {
		return report.Explain(p.stdout, rule.Code, rule.Record(), options)
	}
	hint := "wsleuth explain lists all"
	if near := report.Suggest(name, ruleRecords()); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, ", ") + "?"
	}
	return wrong(hint, "there is no finding %q", name)
}

func ruleRecords() map[string]record.Rule {
	rules := make(map[string]record.Rule)
	for _, r := range catalog.All() {
		rules[r.Code] = r.Record()
	}
	return rules
}
