"""Named YAML configurations, each with its source and what it is for."""

from equipoise.recipes.catalogue import Recipe, get_recipe, list_recipes, recipe_names

__all__ = ["Recipe", "get_recipe", "list_recipes", "recipe_names"]
