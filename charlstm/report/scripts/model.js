// The model inside
