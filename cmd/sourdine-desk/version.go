package main

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print what this program was built from",
		Example: "  sourdine-desk version",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				return errors.New("the program carries no build information")
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "sourdine-desk", info.Main.Version, info.GoVersion)
			return err
		},
	}
}
