"""What the recipes that label pixels share: pictures with masks, the measures, the loop that trains, and figures."""
