package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print what this program was built from",
		Example: "  sourdine version",
		RunE: func(cmd *cobra.Command, _ []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				return fmt.Errorf("the program carries no build information")
			}
			fmt.Fprintln(cmd.OutOrStdout(), "sourdine", info.Main.Version, info.GoVersion)
			return nil
		},
	}
}
