import Firn

extension Weights {
  /// A state dictionary as torchvision's `resnet18()` has it: its names, shapes and order, and first values as it draws them.
  static func stateDictOfResNet18(classes: Int = 1000) throws -> Weights {
    var entries: [WeightEntry] = []
    func add(_ name: String, _ initializer: Initializer, _ shape: [Int]) throws {
      entries.append(WeightEntry(name: name, array: try initializer.values(shape: shape, name: name)))
    }
    func convolution(_ name: String, _ features: Int, _ channels: Int, _ kernel: Int) throws {
      let deviation = (2 / Double(features * kernel * kernel)).squareRoot()
      try add(
        "\(name).weight", .normal(deviation: deviation), [features, channels, kernel, kernel])
    }
    func norm(_ name: String, _ features: Int) throws {
      for (part, initializer) in [
        ("weight", Initializer.ones), ("bias", .zeros), ("running_mean", .zeros), ("running_var", .ones),
      ] { try add("\(name).\(part)", initializer, [features]) }
      entries.append(WeightEntry(name: "\(name).num_batches_tracked", array: NDArray(scalar: Int32(0))))
    }

    try convolution("conv1", 64, 3, 7)
    try norm("bn1", 64)
    var channels = 64
    for stage in 1...4 {
      let features = 32 << stage
      for block in 0..<2 {
        let path = "layer\(stage).\(block)"
        let read = channels
        for number in 1...2 {
          try convolution("\(path).conv\(number)", features, channels, 3)
          try norm("\(path).bn\(number)", features)
          channels = features
        }
        if read != features {
          try convolution("\(path).downsample.0", features, read, 1)
          try norm("\(path).downsample.1", features)
        }
      }
    }
    try add("fc.weight", .uniform(-0.04, 0.04), [classes, 512])
    try add("fc.bias", .uniform(-0.04, 0.04), [classes])
    return try Weights(source: "resnet18 made here", entries: entries)
  }
}
