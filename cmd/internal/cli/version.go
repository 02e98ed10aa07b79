package cli

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Version is the version command of a program.
func Version(program string) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print what this program was built from",
		Example: "  " + program + " version",
		Args:    Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				return errors.New("the program carries no build information")
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), program, info.Main.Version, info.GoVersion)
			return err
		},
	}
}
