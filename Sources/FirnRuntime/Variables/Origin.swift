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
  /// The part with its first values still: nothing was loaded into it and nothing trained; nil where there is none.
  package var initialRegion: Region?

  package static let initialized = Origin(provenance: .initialized, initialRegion: .whole)
  package static let trained = Origin(provenance: .trained, initialRegion: nil)
  package static let loaded = Origin(provenance: .loaded, initialRegion: nil)

  package init(provenance: Provenance, initialRegion: Region?) {
    self.provenance = provenance
    self.initialRegion = initialRegion
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
      if other.initialRegion == nil {
        initialRegion = try .difference(initialRegion, region, of: variable)
        // What a run writes counts as trained, whatever it was and however much of it.
        if other.provenance == .trained || provenance == .initialized && initialRegion == nil {
          provenance = other.provenance
        }
      } else {
        initialRegion = try .union(initialRegion, region, of: variable)
        if initialRegion == .whole { provenance = .initialized }
      }
    } catch {
      if other.initialRegion != nil { self = .initialized }
    }
  }
}
