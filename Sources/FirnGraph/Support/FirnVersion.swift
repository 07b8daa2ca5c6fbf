/// The version of this package, which the command prints and members of a world compare.
package enum FirnVersion {
  package static let text = "0.1.0-dev"
}
