package import FirnGraph

/// Where a variable's value came from, the last time any of it changed.
package enum Provenance: String, Hashable, Sendable, Codable {
  case initialized
  /// Written by a run, whether by a gradient or, as moving averages are, without one.
  case trained
  case loaded
}

/// Where a variable's value came from, and what of it still is the first one: that is random, and frozen it stays so
/// (rule 11).
package struct Origin: Hashable, Sendable {
  package var provenance: Provenance
  /// The part nothing was loaded into and nothing trained; nil where there is none.
  package var unset: Region?

  package static let initialized = Origin(provenance: .initialized, unset: .whole)
  package static let trained = Origin(provenance: .trained, unset: nil)
  package static let loaded = Origin(provenance: .loaded, unset: nil)

  package init(provenance: Provenance, unset: Region?) {
    self.provenance = provenance
    self.unset = unset
  }

  /// Takes in that blocks (nil: the whole) got values from elsewhere, or first ones again.
  ///
  /// Blocks along an axis other than those known of cannot be told apart from them: what may be random counts as it.
  mutating func set(_ blocks: [Block]?, to other: Origin, of variable: Variable) {
    guard let blocks else {
      self = other
      return
    }
    do throws(FirnError) {
      var region: Region?
      for block in blocks { region = try .union(region, .blocks([block]), of: variable) }
      if other.unset == nil {
        unset = try .difference(unset, region, of: variable)
        // What a run writes counts as trained, whatever it was and however much of it.
        if other.provenance == .trained || provenance == .initialized && unset == nil {
          provenance = other.provenance
        }
      } else {
        unset = try .union(unset, region, of: variable)
        if unset == .whole { provenance = .initialized }
      }
    } catch {
      if other.unset != nil { self = .initialized }
    }
  }
}
